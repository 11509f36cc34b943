/** What several packages of the trainer use, and users do not see. */
@NullMarked
package io.github.ggml4j.trainer.internal;

import org.jspecify.annotations.NullMarked;
