"""Fine-tuning on recorded talks, as commands: all stages in one, and each by itself."""
