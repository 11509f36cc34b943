/**
 * ggml's C functions as jextract writes them (see {@code bindings/regenerate.sh}), one static
 * method each. Nothing here checks its arguments: a wrong shape or a stray pointer ends the
 * process, so callers check first.
 */
package io.github.ggml4j.bindings.ffi;
