# Tests cmake/ForgetMoved.cmake: cmake -DSCRIPT=FILE -DWORK=DIR -P forget_moved_test.cmake
cmake_minimum_required(VERSION 3.24)

function(expect name source binary kept)
  set(folder ${WORK}/checkout/build)
  file(REMOVE_RECURSE ${WORK})
  file(MAKE_DIRECTORY ${WORK}/checkout)
  file(CREATE_LINK ${WORK}/checkout ${WORK}/link SYMBOLIC)
  file(WRITE ${folder}/CMakeCache.txt
    "//Comment\nCMAKE_CACHEFILE_DIR:INTERNAL=${binary}\nCMAKE_HOME_DIRECTORY:INTERNAL=${source}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -DSOURCE=${WORK}/checkout -DBINARY=${folder} -P ${SCRIPT}
    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE failed)
  set(exists FALSE)
  if(EXISTS ${folder})
    set(exists TRUE)
  endif()
  if(failed OR NOT exists STREQUAL kept)
    message(FATAL_ERROR "${name}: the folder exists: ${exists}, expected ${kept}; exit code ${failed}\n${output}")
  endif()
endfunction()

expect("unchanged" ${WORK}/checkout ${WORK}/checkout/build TRUE)
expect("through a link" ${WORK}/link ${WORK}/link/build TRUE)
expect("moved" ${WORK}/elsewhere ${WORK}/elsewhere/build FALSE)
expect("copied, the original exists" /usr ${WORK}/checkout/build FALSE)
expect("a cache without folders" "" "" FALSE)
file(REMOVE_RECURSE ${WORK})
