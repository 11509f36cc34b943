package io.github.ggml4j.hub;

/**
 * What {@link HubRepo#pushToHub} made.
 *
 * @param commit the commit's id
 * @param url the address of its page
 */
public record PushedCommit(String commit, String url) {}
