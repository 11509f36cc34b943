package io.github.ggml4j.hub;

/**
 * The progress of a download or an upload.
 *
 * @param file path in the repository of the file that made progress
 * @param fileBytes bytes of that file that were transferred, including those of earlier attempts
 * @param fileSize size of that file in bytes; -1 if unknown
 * @param bytes bytes transferred of all files of the call, including files that were cached or
 *     already on the Hub
 * @param size size of all files of the call in bytes
 * @param filesDone number of complete files
 * @param files number of files of the call
 */
public record TransferProgress(
    String file, long fileBytes, long fileSize, long bytes, long size, int filesDone, int files) {}
