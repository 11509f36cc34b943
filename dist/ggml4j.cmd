@echo off
rem Runs the command line of ggml4j with the Java runtime that lies beside it.
setlocal
set "root=%~dp0"
set "options=-XX:+UseSerialGC -XX:-UsePerfData -Xlog:disable -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8"
if not exist "%root%app\classes.aot" (
  "%root%runtime\bin\java" %options% "-Dggml4j.native.dir=%root%natives" "-XX:AOTCacheOutput=%root%app\classes.aot" ^
    -jar "%root%app\ggml4j-cli.jar" generate --prompt "Once upon a time" --max-new-tokens 8 --stream >nul 2>nul
)
"%root%runtime\bin\java" %options% "-Dggml4j.native.dir=%root%natives" "-XX:AOTCache=%root%app\classes.aot" ^
  %GGML4J_JAVA_OPTS% -jar "%root%app\ggml4j-cli.jar" %*
exit /b %errorlevel%
