package io.github.ggml4j.hub;

/**
 * How far a download is.
 *
 * @param file the path, in its repository, of the file that just got bytes
 * @param fileBytes how many bytes of it are here, those of an earlier try included
 * @param fileSize its size in bytes; -1 while unknown
 * @param bytes how many bytes of all files of this call are here, those in the cache included
 * @param size the size of all files of this call in bytes
 * @param filesDone how many of the files are complete
 * @param files how many files there are
 */
public record DownloadProgress(
    String file, long fileBytes, long fileSize, long bytes, long size, int filesDone, int files) {}
