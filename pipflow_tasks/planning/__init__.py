"""What a command would do, from requirements and candidates to a plan: ``draft_NAME`` for each."""
