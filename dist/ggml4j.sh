#!/bin/sh
# Runs the command line of ggml4j with the Java runtime in the same folder.
#
# Environment:
#   GGML4J_NATIVE_DIR   a folder with other native libraries
#   GGML4J_JAVA_OPTS    additional options for the JVM
#   GGML4J_STACKTRACE   if set, errors are printed with their stack trace
set -u

self=$0
while [ -h "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
case $self in
  */*) root=$(CDPATH='' cd "${self%/*}" && pwd) || exit 1 ;;
  *) root=$PWD ;;
esac
natives=${GGML4J_NATIVE_DIR:-$root/natives}

# If a standard stream is closed, the JVM would use the first file that it opens in its place
(: 3<&0) 2>/dev/null || exec </dev/null
(: 3>&1) 2>/dev/null || exec >/dev/null
(: 3>&2) 2>/dev/null || exec 2>/dev/null

# Java decodes arguments and paths with the charset of the locale, and with ASCII if one of the variables names a locale
# that does not exist; `locale` complains about those. So the charset decides, not the name.
if [ "$(locale charmap 2>&1)" != UTF-8 ]; then
  for name in C.UTF-8 en_US.UTF-8 "$(locale -a 2>/dev/null | grep -i -m 1 'utf-*8$')"; do
    [ "$(LC_ALL=$name locale charmap 2>&1)" = UTF-8 ] && break
    name=
  done
  if [ -z "$name" ] && command -v locale >/dev/null; then
    echo "ggml4j: no UTF-8 locale is installed (see locale -a): characters outside ASCII are lost in arguments and paths" >&2
  fi
  LC_ALL=${name:-C.UTF-8} && export LC_ALL
fi

# Calls run_java with the options of the JVM, followed by the arguments.
java_options() {
  # shellcheck disable=SC2086 # the options are words
  run_java -XX:+UseSerialGC -XX:-UsePerfData -Xlog:disable \
    -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 \
    "-Dggml4j.native.dir=$natives" ${GGML4J_JAVA_OPTS:-} "$@"
}

# Creates an archive of loaded classes, with which later starts are several times faster. It is created at the first start,
# because the JVM checks the modification times of the jars, which not every unpacker keeps. Without a writable folder,
# starts are only slower.
prepare() {
  mkdir -p "$1" 2>/dev/null && [ -w "$1" ] || return 1
  [ -t 2 ] && printf 'Preparing the first start ...' >&2
  run_java() { "$root/runtime/bin/java" "$@"; }
  java_options "-XX:AOTCacheOutput=$1/classes.$$" -jar "$root/app/ggml4j-cli.jar" \
    generate --prompt "Once upon a time" --max-new-tokens 8 --stream </dev/null >/dev/null 2>&1
  mv "$1/classes.$$" "$1/classes.aot" 2>/dev/null || : >"$1/classes.aot" # after a failure too, so that it is not tried again
  rm -f "$1/classes.$$"*
  [ -t 2 ] && printf '\r\033[K' >&2
  return 0
}

archive=$root/app/classes.aot
if [ ! -r "$archive" ]; then
  # The id is a hash of this distributable, so each version has an archive of its own
  user=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/ggml4j/@ID@
  if [ -r "$user/classes.aot" ] || ! prepare "$root/app"; then
    archive=$user/classes.aot
    [ -r "$archive" ] || prepare "$user" || :
  fi
fi

# Commands that mostly run native code: the optimizing compiler would take a core away from it and gain nothing
case ${1:-} in
  '' | -* | help | version | generate | summary | config) compiler=-XX:TieredStopAtLevel=1 ;;
  *) compiler=-XX:+TieredCompilation ;;
esac

run_java() { exec "$root/runtime/bin/java" "$@"; }
java_options $compiler "-XX:AOTCache=$archive" -jar "$root/app/ggml4j-cli.jar" "$@"
