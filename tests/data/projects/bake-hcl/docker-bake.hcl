group "default" {
  targets = ["api"]
}
target "api" {
  dockerfile = "docker/api.dockerfile"
  tags = ["acme/api:latest"]
}
