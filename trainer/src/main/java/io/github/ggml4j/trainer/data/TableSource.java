package io.github.ggml4j.trainer.data;

import java.util.List;

/**
 * The files of a table, in the order in which they are read.
 *
 * @param format of all of them
 * @param files at least one
 */
record TableSource(TableFormat format, List<RowFile> files) {}
