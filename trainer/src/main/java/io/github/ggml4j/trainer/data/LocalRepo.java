package io.github.ggml4j.trainer.data;

import io.github.ggml4j.hub.HubEntry;
import io.github.ggml4j.hub.RemoteFile;
import io.github.ggml4j.hub.RemoteRepo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A copy of a repository in a local folder. */
record LocalRepo(Path root) implements RemoteRepo {

  @Override
  public String id() {
    return root.toString();
  }

  @Override
  public List<HubEntry> list(String folder) {
    List<HubEntry> entries = new ArrayList<>();
    try {
      for (Path file : Folder.find(root.resolve(folder), Glob.ofPath("**"))) {
        String path = root.relativize(file).toString().replace('\\', '/');
        entries.add(
            new HubEntry(
                path, Files.size(file), "modified " + Files.getLastModifiedTime(file).toMillis()));
      }
    } catch (IOException e) {
      throw InputFiles.unreadable(root.toString(), e);
    }
    return entries;
  }

  @Override
  public RemoteFile open(String path) {
    OpenFile file = new LocalFile(file(path)).open();
    return new RemoteFile() {
      @Override
      public String path() {
        return path;
      }

      @Override
      public long size() {
        return file.size();
      }

      @Override
      public int read(long offset, ByteBuffer target) {
        int length = (int) Math.min(target.remaining(), file.size() - offset);
        ByteBuffer part = target.slice(target.position(), length);
        file.read(offset, part);
        target.position(target.position() + length);
        return length;
      }

      @Override
      public void close() {
        file.close();
      }
    };
  }

  @Override
  public Path file(String path) {
    return root.resolve(path);
  }
}
