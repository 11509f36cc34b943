package io.github.ggml4j.hub;

/**
 * How far a download or an upload is.
 *
 * @param file the path, in its repository, of the file that just got or gave bytes
 * @param fileBytes how many bytes of it are here, or were sent, those of an earlier try included
 * @param fileSize its size in bytes; -1 while unknown
 * @param bytes the same of all files of this call, those in the cache or on the Hub before included
 * @param size the size of all files of this call in bytes
 * @param filesDone how many of the files are complete
 * @param files how many files there are
 */
public record TransferProgress(
    String file, long fileBytes, long fileSize, long bytes, long size, int filesDone, int files) {}
