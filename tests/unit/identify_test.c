/* crypto/identify.c and crypto/ping.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "crypto/identify.h"
#include "crypto/ping.h"
#include "crypto/protobuf.h"
#include "tests/unit/hex.h"

/* What js-libp2p writes for the key of a seed of ones. */
static const char vector[] =
    "2a0a697066732f302e312e303203782f310a24080112208a88e3dd7409f195fd52db2d3cb"
    "a5d72ca6709bf1d94121bf3748801b40f6f5c1208047f000001060fa11214290000000000"
    "0000000000000000000001060fa11210360b6578616d706c652e636f6d0601bb2208047f0"
    "000010615b31a0e2f697066732f69642f312e302e301a102f697066732f70696e672f312e"
    "302e3042d0010a24080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf"
    "3748801b40f6f5c120203011a620a260024080112208a88e3dd7409f195fd52db2d3cba5d"
    "72ca6709bf1d94121bf3748801b40f6f5c10011a0a0a08047f000001060fa11a160a14290"
    "0000000000000000000000000000001060fa11a120a10360b6578616d706c652e636f6d06"
    "01bb2a40b2d69f47d17a34fcabdd4d1f0577ea5e44c19ed021becf7599748c6ffc5327c10"
    "d2a798ba17ceef86ec43fa46f86459e554a5d44cc8eca076585033708e9fe0c";

static int
is(const struct identify_bytes *bytes, const char *text)
{
	return (bytes->len == strlen(text) &&
	    memcmp(bytes->p, text, bytes->len) == 0);
}

static void
test_vector(void **state)
{
	static struct identify	 id;
	struct identity		 self;
	uint8_t			 in[600], out[700], address[MULTIADDR_TCP_MAX];
	const uint8_t		*message;
	size_t			 n, len;
	int			 size;

	(void)state;
	memset(&id, 0, sizeof(id));
	n = hex(in, sizeof(in), vector);
	assert_int_equal(identify_decode(&id, in, n), 0);
	assert_true(is(&id.protocol_version, "ipfs/0.1.0"));
	assert_true(is(&id.agent_version, "x/1"));
	assert_int_equal(id.naddresses, 3);
	assert_int_equal(multiaddr_tcp(address, (const uint8_t *)"\x7f\0\0\1",
	    4, 4001), 8);
	assert_memory_equal(id.addresses[0].p, address, 8);
	assert_int_equal(multiaddr_tcp(address,
	    (const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16, 4001),
	    20);
	assert_memory_equal(id.addresses[1].p, address, 20);
	assert_int_equal(multiaddr_tcp(address, address, 5, 1), 0);
	assert_int_equal(id.nprotocols, 2);
	assert_true(identify_has_protocol(&id, IDENTIFY_PROTOCOL));
	assert_true(identify_has_protocol(&id, PING_PROTOCOL));
	assert_false(identify_has_protocol(&id, IDENTIFY_PUSH_PROTOCOL));
	assert_int_equal(id.signed_record.len, 208);
	memset(out, 1, ED25519_KEY_LEN);
	assert_int_equal(identity_from_seed(&self, out), 0);
	assert_true(identify_is_from(&id, &self.id));
	self.id.bytes[10] ^= 1;
	assert_false(identify_is_from(&id, &self.id));
	/* Written again it is the same, and its length in front. */
	size = identify_encode(&id, out, sizeof(out));
	assert_int_equal(size, n + 2);
	assert_int_equal(identify_encode(&id, out, n + 2), n + 2);
	assert_int_equal(identify_encode(&id, out, n + 1), -1);
	assert_int_equal(identify_frame(out, (size_t)size, &message, &len),
	    size);
	assert_int_equal(len, n);
	assert_memory_equal(message, in, n);
	for (len = 0; len < (size_t)size; len++)
		assert_int_equal(identify_frame(out, len, &message, &n), 0);
	id.public_key.p = NULL;
	assert_true(identify_is_from(&id, &self.id));
}

static void
test_frame_limit(void **state)
{
	static uint8_t	 in[IDENTIFY_MESSAGE_MAX + 2] = { 0x80, 0x40 };
	const uint8_t	*message;
	size_t		 len;

	(void)state;
	assert_int_equal(identify_frame(in, sizeof(in), &message, &len),
	    sizeof(in));
	in[0] = 0x81;
	assert_int_equal(identify_frame(in, 2, &message, &len), -1);
	in[0] = 0x80;
	in[1] = 0x00;
	assert_int_equal(identify_frame(in, 2, &message, &len), -1);
}

static void
test_decode(void **state)
{
	static struct identify	id;
	static uint8_t		in[IDENTIFY_MESSAGE_MAX + 1];
	struct pb_writer	w;
	unsigned int		i;

	(void)state;
	memset(&id, 0, sizeof(id));
	assert_int_equal(identify_decode(&id, "\x28\x01", 2), -1);
	assert_int_equal(identify_decode(&id, "\x10\x01", 2), -1);
	assert_int_equal(identify_decode(&id, "\x3a\x01x\x78\x01", 5), 0);
	assert_int_equal(identify_decode(&id, "\x32\x02x", 3), -1);
	/* Lists grow up to a point, others are replaced. */
	memset(&id, 0, sizeof(id));
	pb_writer_init(&w, in, sizeof(in));
	for (i = 0; i < IDENTIFY_PROTOCOLS_MAX + 1; i++) {
		pb_put_bytes(&w, 2, "a", 1);
		pb_put_bytes(&w, 3, "p", 1);
	}
	pb_put_bytes(&w, 6, "one", 3);
	pb_put_bytes(&w, 6, "two", 3);
	assert_int_equal(identify_decode(&id, in, w.len), 0);
	assert_int_equal(id.nprotocols, IDENTIFY_PROTOCOLS_MAX);
	assert_int_equal(id.naddresses, IDENTIFY_ADDRESSES_MAX);
	assert_true(is(&id.agent_version, "two"));
	memset(&id, 0, sizeof(id));
	for (i = 0; i < IDENTIFY_MESSAGES_MAX; i++)
		assert_int_equal(identify_decode(&id, "\x1a\x01p", 3), 0);
	assert_int_equal(id.nprotocols, IDENTIFY_MESSAGES_MAX);
	assert_int_equal(identify_decode(&id, "", 0), -1);
	memset(&id, 0, sizeof(id));
	assert_int_equal(identify_decode(&id, in, sizeof(in)), -1);
}

static void
test_encode_limit(void **state)
{
	static struct identify	id;
	static uint8_t		text[IDENTIFY_MESSAGE_MAX];
	static uint8_t		out[IDENTIFY_MESSAGE_MAX + 8];

	(void)state;
	memset(&id, 0, sizeof(id));
	id.agent_version.p = text;
	id.agent_version.len = IDENTIFY_MESSAGE_MAX - 3;
	assert_int_equal(identify_encode(&id, out, sizeof(out)),
	    IDENTIFY_MESSAGE_MAX + 2);
	id.agent_version.len++;
	assert_int_equal(identify_encode(&id, out, sizeof(out)), -1);
}

static void
test_ping(void **state)
{
	struct ping	ping;
	uint8_t		in[100], out[100 + PING_LEN];
	size_t		piece, at, n, got;

	(void)state;
	for (at = 0; at < sizeof(in); at++)
		in[at] = (uint8_t)at;
	for (piece = 1; piece <= sizeof(in); piece++) {
		memset(&ping, 0, sizeof(ping));
		for (at = got = 0; at < sizeof(in); at += n) {
			n = piece < sizeof(in) - at ? piece : sizeof(in) - at;
			got += ping_echo(&ping, in + at, n, out + got);
		}
		assert_int_equal(got, 96);
		assert_memory_equal(out, in, got);
	}
	memset(&ping, 0, sizeof(ping));
	memcpy(ping.block, in, PING_LEN);
	assert_int_equal(ping_check(&ping, in, 0), 0);
	assert_int_equal(ping_check(&ping, in, PING_LEN - 1), 0);
	assert_int_equal(ping_check(&ping, in, 1), -1);
	assert_int_equal(ping_check(&ping, in + PING_LEN - 1, 2), -1);
	assert_int_equal(ping_check(&ping, in + PING_LEN - 1, 1), 1);
	assert_int_equal(ping_check(&ping, in, 1), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_frame_limit),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_encode_limit),
		cmocka_unit_test(test_ping),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
