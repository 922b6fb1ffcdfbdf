"""What breaks the workflow, or will: in the Dockerfile, in the files, in what they pin."""
