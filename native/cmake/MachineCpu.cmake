# A developer build has one CPU backend, for the instruction sets of this machine. On x86 they are named one by one instead
# of with -march=native, so that ggml's own check knows them: a CPU that lacks one gets an error instead of a crash.
macro(ggml4j_use_machine_cpu)
  set(GGML_CPU_ALL_VARIANTS OFF)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(GGML_NATIVE OFF)
    if(MSVC)
      set(ggml4j_macros "__AVX__ __AVX2__ __FMA__ __F16C__ __BMI2__ __SSE4_2__")
    else()
      execute_process(COMMAND ${CMAKE_C_COMPILER} -march=native -dM -E -x c /dev/null
        OUTPUT_VARIABLE ggml4j_macros COMMAND_ERROR_IS_FATAL ANY)
    endif()
    foreach(feature SSE42=__SSE4_2__ AVX=__AVX__ AVX2=__AVX2__ FMA=__FMA__ F16C=__F16C__ BMI2=__BMI2__ AVX512=__AVX512BW__
        AVX512_VBMI=__AVX512VBMI__ AVX512_VNNI=__AVX512VNNI__ AVX512_BF16=__AVX512BF16__ AVX_VNNI=__AVXVNNI__
        AMX_TILE=__AMX_TILE__ AMX_INT8=__AMX_INT8__)
      string(REGEX MATCH "^[^=]+" name ${feature})
      string(REGEX MATCH "[^=]+$" defined ${feature})
      if(ggml4j_macros MATCHES "${defined}")
        set(GGML_${name} ON)
      else()
        set(GGML_${name} OFF)
      endif()
    endforeach()
    if(GGML_AVX512_VNNI)
      set(GGML_AVX_VNNI OFF) # AVX512_VNNI has the same instructions for wider vectors; as in ggml's own variants
    endif()
  else()
    set(GGML_NATIVE ON)
  endif()
endmacro()
