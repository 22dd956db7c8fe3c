// SPDX-License-Identifier: GPL-2.0-only
#include "host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Y or 1 is on; a parameter that this kernel does not have counts as off. */
static bool parameter_on(const char *path)
{
	FILE *file = fopen(path, "re");
	int c;

	if (!file)
		return false;
	c = getc(file);
	fclose(file);
	return c == 'Y' || c == '1';
}

static bool cpu_is_amd(void)
{
	char line[256];
	bool amd = false;
	FILE *file = fopen("/proc/cpuinfo", "re");

	if (!file)
		return false;
	while (!amd && fgets(line, sizeof(line), file))
		amd = !strncmp(line, "vendor_id", 9) &&
		      (strstr(line, "AuthenticAMD") ||
		       strstr(line, "HygonGenuine"));
	fclose(file);
	return amd;
}

int host_probe(struct host *host)
{
	bool amd = !access("/sys/module/kvm_amd/parameters", F_OK);
	bool intel = !access("/sys/module/kvm_intel/parameters", F_OK);

	/* Built-in vendor modules can both be there; the CPU decides then. */
	host->svm = amd && (!intel || cpu_is_amd());
	if (!amd && !intel) {
		fprintf(stderr, "neither kvm_amd nor kvm_intel is loaded: load the one for this CPU\n");
		return -1;
	}
	host->mmio_cached = parameter_on("/sys/module/kvm/parameters/mmio_caching");
	if (host->svm) {
		host->nested_paging =
			parameter_on("/sys/module/kvm_amd/parameters/npt");
		host->apicv = parameter_on("/sys/module/kvm_amd/parameters/avic");
		host->apic_page = true;
	} else {
		host->nested_paging =
			parameter_on("/sys/module/kvm_intel/parameters/ept");
		host->apicv =
			parameter_on("/sys/module/kvm_intel/parameters/enable_apicv");
		host->apic_page =
			parameter_on("/sys/module/kvm_intel/parameters/flexpriority");
	}
	return 0;
}
