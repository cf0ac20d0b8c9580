"""The courses a run can take: one module for each way to come from texts to a trained head."""
