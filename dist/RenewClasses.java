import java.io.IOException;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Converts the classes of a jar to class file version 52 (Java 8): the code is unchanged, stack maps
 * are added. The JVM excludes older classes from its archives and would parse and verify them at
 * each start.
 */
public final class RenewClasses {
  private static final int JAVA_6 = 50;
  private static final int JAVA_8 = 52;

  private static final ClassTransform AS_JAVA_8 =
      ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)
          .andThen((classBuilder, element) ->
              classBuilder.with(
                  element instanceof ClassFileVersion
                      ? ClassFileVersion.of(JAVA_8, 0)
                      : (ClassElement) element));

  private RenewClasses() {}

  /** Converts the jars whose paths are the arguments. */
  public static void main(String[] args) throws IOException {
    for (var arg : args) {
      renew(Path.of(arg));
    }
  }

  static void renew(Path jar) throws IOException {
    var renewed = jar.resolveSibling(jar.getFileName() + ".new");
    try (var in = new JarFile(jar.toFile());
        var classes = new URLClassLoader(new URL[] {jar.toUri().toURL()});
        var out = new ZipOutputStream(Files.newOutputStream(renewed))) {
      var classFile =
          ClassFile.of(
              ClassFile.ClassHierarchyResolverOption.of(
                  ClassHierarchyResolver.ofResourceParsing(classes)
                      .orElse(ClassHierarchyResolver.defaultResolver())),
              ClassFile.StackMapsOption.GENERATE_STACK_MAPS);
      for (var entry : Collections.list(in.entries())) {
        byte[] bytes = in.getInputStream(entry).readAllBytes();
        if (entry.getName().endsWith(".class") && version(bytes) < JAVA_6) {
          bytes = classFile.transformClass(classFile.parse(bytes), AS_JAVA_8);
        }
        var copy = new ZipEntry(entry.getName());
        copy.setLastModifiedTime(entry.getLastModifiedTime());
        out.putNextEntry(copy);
        out.write(bytes);
        out.closeEntry();
      }
    }
    Files.move(renewed, jar, StandardCopyOption.REPLACE_EXISTING);
  }

  private static int version(byte[] classFile) {
    return (classFile[6] & 0xff) << 8 | (classFile[7] & 0xff);
  }
}
