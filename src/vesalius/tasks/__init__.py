"""What input, target, loss, decoding and score mean for each task: one file a task."""
