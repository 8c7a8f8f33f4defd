/*
 * tests/sanitize/tsan.c - what ThreadSanitizer is to know, linked into every program of `make tsan`.
 *
 * The suppressions stand inside, since a release worker and the tile server have no
 * environment to find them by. gRPC is not instrumented, so its own proof that a call was
 * handed on before its tag comes out of the queue is not seen: here it is said, for that
 * edge and no other.
 */
#include <grpc/grpc.h>

void	__tsan_acquire(void *addr);
void	__tsan_release(void *addr);
const char	*__tsan_default_options(void);
const char	*__tsan_default_suppressions(void);

grpc_call_error	__real_grpc_call_start_batch(grpc_call *, const grpc_op *, size_t, void *, void *);
grpc_call_error	__wrap_grpc_call_start_batch(grpc_call *, const grpc_op *, size_t, void *, void *);
grpc_call_error	__real_grpc_server_request_call(grpc_server *, grpc_call **, grpc_call_details *, grpc_metadata_array *,
		    grpc_completion_queue *, grpc_completion_queue *, void *);
grpc_call_error	__wrap_grpc_server_request_call(grpc_server *, grpc_call **, grpc_call_details *, grpc_metadata_array *,
		    grpc_completion_queue *, grpc_completion_queue *, void *);
grpc_event	__real_grpc_completion_queue_next(grpc_completion_queue *, gpr_timespec, void *);
grpc_event	__wrap_grpc_completion_queue_next(grpc_completion_queue *, gpr_timespec, void *);
grpc_event	__real_grpc_completion_queue_pluck(grpc_completion_queue *, void *, gpr_timespec, void *);
grpc_event	__wrap_grpc_completion_queue_pluck(grpc_completion_queue *, void *, gpr_timespec, void *);

__asm__(
"	.section .rodata\n"
"suppressions:\n"
"	.incbin \"tests/tsan.supp\"\n"
"	.byte 0\n"
"	.text\n");
extern const char	suppressions[];

const char *
__tsan_default_suppressions(void)
{
	return suppressions;
}

const char *
__tsan_default_options(void)
{
	return "history_size=4:second_deadlock_stack=1:print_suppressions=0";
}

grpc_call_error
__wrap_grpc_call_start_batch(grpc_call *call, const grpc_op *ops, size_t n, void *tag, void *reserved)
{
	__tsan_release(tag);
	return __real_grpc_call_start_batch(call, ops, n, tag, reserved);
}

grpc_call_error
__wrap_grpc_server_request_call(grpc_server *server, grpc_call **call, grpc_call_details *details,
    grpc_metadata_array *head, grpc_completion_queue *of_call, grpc_completion_queue *cq, void *tag)
{
	__tsan_release(tag);
	return __real_grpc_server_request_call(server, call, details, head, of_call, cq, tag);
}

static grpc_event
came_out(grpc_event ev)
{
	if (ev.type == GRPC_OP_COMPLETE && ev.tag != NULL)
		__tsan_acquire(ev.tag);
	return ev;
}

grpc_event
__wrap_grpc_completion_queue_next(grpc_completion_queue *cq, gpr_timespec deadline, void *reserved)
{
	return came_out(__real_grpc_completion_queue_next(cq, deadline, reserved));
}

grpc_event
__wrap_grpc_completion_queue_pluck(grpc_completion_queue *cq, void *tag, gpr_timespec deadline, void *reserved)
{
	return came_out(__real_grpc_completion_queue_pluck(cq, tag, deadline, reserved));
}
