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
EMBED(page_css, KVS_PICTURE "/page.css");
EMBED(page_common_js, KVS_PICTURE "/page-common.js");
EMBED(page_data_js, KVS_PICTURE "/page-data.js");
EMBED(page_line_js, KVS_PICTURE "/page-line.js");
EMBED(page_report_js, KVS_PICTURE "/page-report.js");
EMBED(page_plots_js, KVS_PICTURE "/page-plots.js");
EMBED(page_js, KVS_PICTURE "/page.js");
EMBED(compare_css, KVS_PICTURE "/page-compare.css");
EMBED(compare_js, KVS_PICTURE "/page-compare.js");
EMBED(d3_licence, KVS_PICTURE "/d3.licence");
EMBED(d3_js, KVS_D3);

const struct kvs_asset kvs_assets[] = {
	{ "css", page_css, page_css_end },
	{ "common", page_common_js, page_common_js_end },
	{ "data", page_data_js, page_data_js_end },
	{ "line", page_line_js, page_line_js_end },
	{ "report", page_report_js, page_report_js_end },
	{ "plots", page_plots_js, page_plots_js_end },
	{ "js", page_js, page_js_end },
	{ "compare-css", compare_css, compare_css_end },
	{ "compare-js", compare_js, compare_js_end },
	{ "licence", d3_licence, d3_licence_end },
	{ "d3", d3_js, d3_js_end },
	{ 0 }
};
