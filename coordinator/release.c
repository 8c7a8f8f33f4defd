#include "coordinator/release.h"
#include "coordinator/worker.h"
enum rc releases_new(struct coordinator *c, struct releases **ret, struct err *err) { (void)c; (void)err; *ret = NULL; return RC_OK; }
void releases_stop(struct releases *r) { (void)r; }
void releases_free(struct releases *r) { (void)r; }
enum rc on_release(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err) { (void)user;(void)call;(void)request;(void)reply; return err_set(err, RC_BUG, "x"); }
enum rc on_download(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err) { (void)user;(void)call;(void)request;(void)reply; return err_set(err, RC_BUG, "x"); }
int worker_main(int argc, char **argv) { (void)argc; (void)argv; return 64; }
