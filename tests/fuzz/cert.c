/* Certificates, and messages to their holders: DER of strangers. */
#include "evidence/cms.h"
#include "policy/cert.h"
#include "proto/rpc.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf	own = BUF_INIT(8192);
	const struct span	in = SPAN(data, size);
	enum cert_kind		kind;
	uint8_t			pin[RPC_PIN_BYTES];
	uint8_t			bits[SHA256_BYTES];
	enum rc			rc;

	if (own.n == 0)
		test_cert_of("P-256", "somebody else", &own);
	rc = cert_check(in, &kind, bits, NULL);
	/* Who may receive has a certificate. */
	if (cms_recipient_check(in, NULL) == RC_OK)
		PROMISE(rc == RC_OK && kind != CERT_OTHER);
	PROMISE(cms_addressed_to(buf_view(&own), in, NULL) != RC_OK);
	/* A PEM text is a certificate too there. */
	(void)!rpc_tls_fingerprint(in, pin, NULL);
	return 0;
}
