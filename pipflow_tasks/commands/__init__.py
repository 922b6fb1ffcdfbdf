"""The commands of a project: what they plan from, and those that need more than a draft."""
