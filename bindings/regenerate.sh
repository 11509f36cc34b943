#!/usr/bin/env bash
# Generates the bindings in src/main/java/.../ffi with the `jextract` on the PATH (release 25 or newer).
#   regenerate.sh           fails if the result differs from the committed files
#   regenerate.sh --write   writes the files
# jextract/includes.txt lists the symbols, one a line. Add a line for a symbol that you start to use, remove unused ones
# (GeneratedBindingsTest names them).
# The headers are those of the pinned llama.cpp release: GGML4J_LLAMA_CPP_DIR, or the copy that the native build caches.
#
# jextract can be built from its source (https://github.com/openjdk/jextract) with a JDK 25 and libclang 13 or newer, without
# Gradle: javac -d MODS/org.openjdk.jextract on src/main/java, copy src/main/resources there, then as the command `jextract`:
#   java --enable-native-access=org.openjdk.jextract -Djava.library.path=FOLDER_OF_LIBCLANG.SO -p MODS \
#     -m org.openjdk.jextract/org.openjdk.jextract.JextractTool -I FOLDER_OF_CLANGS_OWN_HEADERS "$@"
set -euo pipefail
cd "$(dirname "$0")"

package=io.github.ggml4j.bindings.ffi
committed=src/main/java/${package//./\/}

case "${1:-}" in
  "" | --write) ;;
  *) echo "usage: regenerate.sh [--write]" >&2; exit 2 ;;
esac
if ! command -v jextract > /dev/null; then
  echo "regenerate.sh: jextract is not on the PATH; see https://jdk.java.net/jextract/" >&2
  exit 1
fi
tag=$(sed -n 's/^set(GGML4J_LLAMA_CPP_TAG \(.*\))/\1/p' ../native/cmake/LlamaCppSource.cmake)
source=${GGML4J_LLAMA_CPP_DIR:-$(echo "${XDG_CACHE_HOME:-$HOME/.cache}"/ggml4j/llama.cpp-"$tag"-*[0-9a-f])}
if [ ! -f "$source/ggml/include/ggml.h" ]; then
  echo "regenerate.sh: no ggml headers in $source; build native once, or set GGML4J_LLAMA_CPP_DIR" >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/jextract.log
if ! jextract -I "$source/ggml/include" -I ../native/src @jextract/includes.txt \
    --header-class-name Ggml --target-package "$package" --output "$work/out" jextract/ggml4j_bindings.h 2> "$log"; then
  cat "$log" >&2
  exit 1
fi

generated=$work/out/${package//./\/}
# Three changes: the code compiles with JDK 22, finds symbols in the libraries that NativeLibrary loaded, and fits Windows,
# where `long` has 32 bits (no ggml function takes a C `long`, but jextract on Linux maps int64_t and size_t to it).
sed -i -E \
  -e '/static final Arena LIBRARY_ARENA/,+1d' \
  -e '/static final SymbolLookup SYMBOL_LOOKUP/,/;$/d' \
  -e 's/SYMBOL_LOOKUP\.findOrThrow\(/Symbols.find(/' \
  -e 's/\(ValueLayout\.OfLong\) Linker\.nativeLinker\(\)\.canonicalLayouts\(\)\.get\("long"\)/ValueLayout.JAVA_LONG/' \
  "$generated"/*.java
missing=$(grep -oE '^--include-[a-z]+ [A-Za-z0-9_]+' jextract/includes.txt | while read -r _ name; do
  grep -rqw "$name" "$generated" || echo "$name"
done)
if [ -n "$missing" ]; then
  echo "regenerate.sh: not in the headers, remove from jextract/includes.txt:" $missing >&2
  exit 1
fi

# Files in the same folder that are written by hand
for hand in Symbols package-info; do
  if [ -f "$committed/$hand.java" ]; then cp "$committed/$hand.java" "$generated/"; fi
done
if [ "${1:-}" = --write ]; then
  mkdir -p "$committed"
  rm -f "$committed"/*.java
  cp "$generated"/*.java "$committed/"
  echo "regenerate.sh: wrote $(ls "$generated" | wc -l) files to bindings/$committed"
elif ! diff -r -u "$committed" "$generated" > "$work/diff"; then
  head -50 "$work/diff" >&2
  echo "regenerate.sh: the committed bindings differ from jextract's output; run bindings/regenerate.sh --write" >&2
  exit 1
else
  echo "regenerate.sh: the committed bindings are up to date"
fi
