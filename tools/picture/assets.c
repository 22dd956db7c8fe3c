// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes files into the program.  KVS_D3 and KVS_PICTURE are paths that the Makefile gives.
 */
#include "picture/assets.h"

#define EMBED(name, path)							\
	extern const char name[], name##_end[];				\
	__asm__(".pushsection .rodata\n"					\
		".global " #name ", " #name "_end\n"				\
		#name ": .incbin \"" path "\"\n"				\
		#name "_end: .byte 0\n"						\
		".popsection\n")

EMBED(kvs_page_html, KVS_PICTURE "/page.html");
EMBED(kvs_page_compare_html, KVS_PICTURE "/page-compare.html");
EMBED(kvs_page_css, KVS_PICTURE "/page.css");
EMBED(kvs_page_common_js, KVS_PICTURE "/page-common.js");
EMBED(kvs_page_data_js, KVS_PICTURE "/page-data.js");
EMBED(kvs_page_line_js, KVS_PICTURE "/page-line.js");
EMBED(kvs_page_report_js, KVS_PICTURE "/page-report.js");
EMBED(kvs_page_plots_js, KVS_PICTURE "/page-plots.js");
EMBED(kvs_page_js, KVS_PICTURE "/page.js");
EMBED(kvs_compare_css, KVS_PICTURE "/page-compare.css");
EMBED(kvs_compare_js, KVS_PICTURE "/page-compare.js");
EMBED(kvs_d3_licence, KVS_PICTURE "/d3.licence");
EMBED(kvs_d3_js, KVS_D3);

const struct kvs_asset kvs_assets[] = {
	{ "css", kvs_page_css, kvs_page_css_end },
	{ "common", kvs_page_common_js, kvs_page_common_js_end },
	{ "data", kvs_page_data_js, kvs_page_data_js_end },
	{ "line", kvs_page_line_js, kvs_page_line_js_end },
	{ "report", kvs_page_report_js, kvs_page_report_js_end },
	{ "plots", kvs_page_plots_js, kvs_page_plots_js_end },
	{ "js", kvs_page_js, kvs_page_js_end },
	{ "compare-css", kvs_compare_css, kvs_compare_css_end },
	{ "compare-js", kvs_compare_js, kvs_compare_js_end },
	{ "licence", kvs_d3_licence, kvs_d3_licence_end },
	{ "d3", kvs_d3_js, kvs_d3_js_end },
	{ 0 }
};
