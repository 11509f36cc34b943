// A log callback that does nothing. The loader sets it when the JVM shuts down, because Java callbacks must not be called then.
#pragma once
#include "ggml4j.h"

#ifdef __cplusplus
extern "C" {
#endif
GGML4J_API void ggml4j_log_ignore(enum ggml_log_level level, const char * text, void * user_data);
#ifdef __cplusplus
}
#endif
