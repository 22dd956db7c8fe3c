// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of exit reasons, those included that are no code of the hardware.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/names.h"
#include "trace/schema.h"

static const char *svm(int16_t reason)
{
	static char name[KVS_NAME_LEN];

	return kvs_exit_reason(name, KS_ISA_SVM, (uint32_t)reason);
}

static const char *vmx(int16_t reason)
{
	static char name[KVS_NAME_LEN];

	return kvs_exit_reason(name, KS_ISA_VMX, (uint32_t)reason);
}

static void hardware_reasons_have_the_kernels_names(void **unused)
{
	assert_string_equal(svm(0x78), "hlt");
	assert_string_equal(vmx(12), "HLT");
	assert_string_equal(svm(-1), "invalid_guest_state");
	assert_string_equal(svm(0x3ff), "svm 0x3ff");
}

static void a_reason_that_was_not_read_is_no_code(void **unused)
{
	assert_string_equal(svm(KS_REASON_NONE), "svm, not read");
	assert_string_equal(vmx(KS_REASON_NONE), "vmx, not read");
	assert_string_equal(svm(KS_REASON_WIDE), "svm, a wide code");
}

/* They wrote -1. */
static void files_of_older_modules_are_read(void **unused)
{
	assert_string_equal(vmx(-1), "vmx, not read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hardware_reasons_have_the_kernels_names),
		cmocka_unit_test(a_reason_that_was_not_read_is_no_code),
		cmocka_unit_test(files_of_older_modules_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
