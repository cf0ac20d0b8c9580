"""Pictures of numbers; they know nothing of jobs."""
