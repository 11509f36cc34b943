// A log callback that does nothing: the loader sets it when the JVM ends, for a Java callback must not be called then.
#pragma once
#include "ggml4j.h"

#ifdef __cplusplus
extern "C" {
#endif
GGML4J_API void ggml4j_log_ignore(enum ggml_log_level level, const char * text, void * user_data);
#ifdef __cplusplus
}
#endif
