"""What runs in a task: the user's functions, conditions, and references to other tasks' outputs."""
