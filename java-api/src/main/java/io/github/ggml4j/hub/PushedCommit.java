package io.github.ggml4j.hub;

/**
 * The commit made by {@link HubRepo#pushToHub}.
 *
 * @param commit the commit's id
 * @param url the address of its page
 */
public record PushedCommit(String commit, String url) {}
