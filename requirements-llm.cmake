# Of llama.cpp the library alone is compiled: llama-cpp-python would build what llama.cpp's programs share, too, which is more than
# the library itself, and the assistant has no use for it.
set(LLAMA_BUILD_COMMON OFF)
