/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct ks_rec_exit, ...: records as the module writes them into its rings.
 */
#ifndef REC_H
#define REC_H

#include "trace/schema.h"
#include "uapi/record_structs.h"

#endif /* REC_H */
