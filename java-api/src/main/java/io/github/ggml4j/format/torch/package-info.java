/**
 * Files that PyTorch's {@code torch.save} writes, such as {@code pytorch_model.bin}: the tensors in
 * them, mapped into memory.
 *
 * <p>Such a file is a Python pickle, a program that may call anything when Python loads it. Here it
 * is never executed: {@link io.github.ggml4j.format.torch.TorchFile} reads the few instructions
 * that describe tensors, and refuses by name whatever else a file asks for.
 */
@NullMarked
package io.github.ggml4j.format.torch;

import org.jspecify.annotations.NullMarked;
