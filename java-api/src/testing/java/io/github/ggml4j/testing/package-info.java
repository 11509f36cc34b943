/** What tests of several modules share. */
@NullMarked
package io.github.ggml4j.testing;

import org.jspecify.annotations.NullMarked;
