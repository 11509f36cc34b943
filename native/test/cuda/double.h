// What the two libraries of the test double share; see README.md.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Whether all of these bytes lie in one piece of the device's memory that is allocated now.
bool ggml4j_double_holds(const void *start, size_t bytes);

// Says on stderr what is wrong with a call, for a person to read; the caller returns CUDA's error code.
__attribute__((format(printf, 1, 2))) void ggml4j_double_complain(const char *format, ...);

// Counts a product of cuBLAS.
void ggml4j_double_product(void);
