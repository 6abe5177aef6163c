"""Where a run happens: one YAML file a stack, and the one module that registers stacks with ZenML."""
