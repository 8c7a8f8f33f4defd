/*
 * base/auto.h - locals that free themselves.
 *
 *	DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY)	once, in the adapter or .c file
 *	AUTO(EVP_PKEY_free) EVP_PKEY *k = NULL;	freed on every path
 *	*ret = TAKE(k);				handed over: k is NULL now
 *
 * Always initialise an AUTO local. The freeing function must accept NULL.
 */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#define DEFINE_AUTO(fn, type)						\
	static inline void						\
	auto_##fn(type **p)						\
	{								\
		if (*p != NULL)						\
			fn(*p);						\
	}								\
	struct auto_##fn##_semicolon

/* For objects that stand on the stack: AUTO_DONE(buf_done) struct buf b = ...; */
#define AUTO(fn)	__attribute__((cleanup(auto_##fn)))
#define AUTO_DONE(fn)	__attribute__((cleanup(fn)))

#define TAKE(p)								\
	({								\
		__typeof__(p) take_ = (p);				\
		(p) = NULL;						\
		take_;							\
	})

#endif
