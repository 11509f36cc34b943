package io.github.ggml4j.hub;

/**
 * A file in a repository.
 *
 * @param path its path in the repository, with {@code /} between folders
 * @param size its size in bytes
 * @param oid id of the content: the SHA-256 (64 hex digits) of a file in large file storage, else
 *     git's blob id (40 hex digits)
 */
public record HubEntry(String path, long size, String oid) {}
