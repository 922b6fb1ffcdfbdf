"""What a command would do, one module a command: from requirements and candidates to a plan."""
