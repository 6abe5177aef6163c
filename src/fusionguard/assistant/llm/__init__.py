"""A GGUF model through llama.cpp, in a process of its own that may die without taking anything along."""
