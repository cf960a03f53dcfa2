// Changes with the library: SwiftPM does not watch libraries, and would not link again.
#if __has_include("../../lib/fingerprint.h")
#include "../../lib/fingerprint.h"
#else
#define ITSM_ADAPTER_FINGERPRINT ""
#endif

const char itsm_adapter_fingerprint[] = ITSM_ADAPTER_FINGERPRINT;
