variable "PY_VER" { default = "3.11" }
target "api" {
  dockerfile = "docker/api.dockerfile"
  args = { PY_VER = PY_VER }
}
