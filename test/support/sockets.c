/* What components of the tests do with sockets, word by word: tcp/ADDRESS:PORT, udp/…, listen/…, name/NAME … Each prints a line. */
#define TCP "wasi:sockets/tcp"
#define UDP "wasi:sockets/udp"
#define RUN EXPORT("wasi:cli/run@0.2.3#run") int run(void)

/* ip-socket-address flattened: which, port, four of IPv4 or flow, eight of IPv6, scope. */
struct flat {
  int32_t which, part[11];
};
struct address {
  uint8_t which;
  union {
    struct {
      uint16_t port;
      uint8_t at[4];
    } four;
    struct {
      uint16_t port;
      uint32_t flow;
      uint16_t at[8];
      uint32_t scope;
    } six;
  } __attribute__((aligned(4)));
};
struct result_address {
  uint8_t failed;
  union {
    struct address address;
    uint8_t error;
  };
};
struct result_pair {
  uint8_t failed;
  union {
    int32_t handle[3];
    uint8_t error;
  };
};
struct result_number {
  uint8_t failed;
  union {
    uint64_t number;
    uint8_t error;
  };
};
struct result_none {
  uint8_t failed, error;
};
struct strings {
  struct text *at;
  size_t count;
};

#define FLAT                                                                                                          \
  int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t
#define SPREAD(flat)                                                                                                  \
  (flat)->which, (flat)->part[0], (flat)->part[1], (flat)->part[2], (flat)->part[3], (flat)->part[4],                \
      (flat)->part[5], (flat)->part[6], (flat)->part[7], (flat)->part[8], (flat)->part[9], (flat)->part[10]

IMPORT("wasi:cli/environment", "get-arguments") void get_arguments(struct strings *);
IMPORT("wasi:sockets/instance-network", "instance-network") int32_t the_network(void);
IMPORT("wasi:sockets/tcp-create-socket", "create-tcp-socket") void make_tcp(int32_t family, struct result_handle *);
IMPORT(TCP, "[method]tcp-socket.start-bind") void tcp_bind(int32_t, int32_t, FLAT, struct result_none *);
IMPORT(TCP, "[method]tcp-socket.finish-bind") void tcp_bound(int32_t, struct result_none *);
IMPORT(TCP, "[method]tcp-socket.start-connect") void tcp_connect(int32_t, int32_t, FLAT, struct result_none *);
IMPORT(TCP, "[method]tcp-socket.finish-connect") void tcp_connected(int32_t, struct result_pair *);
IMPORT(TCP, "[method]tcp-socket.start-listen") void tcp_listen(int32_t, struct result_none *);
IMPORT(TCP, "[method]tcp-socket.finish-listen") void tcp_listening(int32_t, struct result_none *);
IMPORT(TCP, "[method]tcp-socket.accept") void tcp_accept(int32_t, struct result_pair *);
IMPORT(TCP, "[method]tcp-socket.local-address") void tcp_local(int32_t, struct result_address *);
IMPORT(TCP, "[method]tcp-socket.subscribe") int32_t tcp_ready(int32_t);
IMPORT(TCP, "[method]tcp-socket.shutdown") void tcp_shutdown(int32_t, int32_t how, struct result_none *);
IMPORT(TCP, "[resource-drop]tcp-socket") void drop_tcp(int32_t);
IMPORT("wasi:sockets/udp-create-socket", "create-udp-socket") void make_udp(int32_t family, struct result_handle *);
IMPORT(UDP, "[method]udp-socket.start-bind") void udp_bind(int32_t, int32_t, FLAT, struct result_none *);
IMPORT(UDP, "[method]udp-socket.finish-bind") void udp_bound(int32_t, struct result_none *);
IMPORT(UDP, "[method]udp-socket.stream") void udp_stream(int32_t, int32_t some, FLAT, struct result_pair *);
IMPORT(UDP, "[method]incoming-datagram-stream.receive") void udp_receive(int32_t, uint64_t, struct result_text *);
IMPORT(UDP, "[method]incoming-datagram-stream.subscribe") int32_t udp_ready(int32_t);
IMPORT(UDP, "[method]outgoing-datagram-stream.check-send") void udp_room(int32_t, struct result_number *);
IMPORT(UDP, "[method]outgoing-datagram-stream.send")
void udp_send(int32_t, const void *, size_t, struct result_number *);
IMPORT("wasi:sockets/ip-name-lookup", "resolve-addresses")
void ask_name(int32_t, const char *, size_t, struct result_handle *);
struct result_found {
  uint8_t failed;
  uint8_t at_2[0] __attribute__((aligned(2)));
  union {
    uint8_t error, some;
  };
  uint8_t at_4[0] __attribute__((aligned(2)));
  uint8_t which;
  union {
    uint8_t four[4];
    uint16_t six[8];
  };
};
IMPORT("wasi:sockets/ip-name-lookup", "[method]resolve-address-stream.resolve-next-address")
void next_address(int32_t, struct result_found *);
IMPORT("wasi:sockets/ip-name-lookup", "[method]resolve-address-stream.subscribe") int32_t name_ready(int32_t);
IMPORT("wasi:io/poll", "poll") void poll_list(const int32_t *, size_t, struct text *);
IMPORT("wasi:io/poll", "[resource-drop]pollable") void drop_pollable(int32_t);
IMPORT("wasi:io/streams", "[method]output-stream.check-write") void stream_room(int32_t, struct result_number *);

static int32_t network;
static const char *const errors[] = {
    "unknown", "access-denied", "not-supported", "invalid-argument", "out-of-memory", "timeout",
    "concurrency-conflict", "not-in-progress", "would-block", "invalid-state", "new-socket-limit",
    "address-not-bindable", "address-in-use", "remote-unreachable", "connection-refused", "connection-reset",
    "connection-aborted", "datagram-too-large", "name-unresolvable", "temporary-resolver-failure",
    "permanent-resolver-failure"};

static void say_error(int error) { print(errors[error]), print("\n"); }

static void wait_for(int32_t pollable) {
  pollable_block(pollable);
  drop_pollable(pollable);
}

static size_t find(struct text text, char wanted) {
  size_t at = text.size;
  while (at > 0 && text.at[at - 1] != wanted)
    at--;
  return at;
}

static int number(const char *at, size_t size, int base) {
  int value = 0;
  for (; size > 0; at++, size--)
    value = value * base + (*at <= '9' ? *at - '0' : *at - 'a' + 10);
  return value;
}

/* ADDRESS:PORT; of IPv6 all eight groups, or fewer before a double colon at the end. */
static struct flat parse(struct text text) {
  struct flat flat = {0};
  size_t colon = find(text, ':');
  int port = number(text.at + colon, text.size - colon, 10);
  size_t end = colon - 1, from = 0, part = 0;
  int six = 0;
  for (size_t at = 0; at < end; at++)
    six |= text.at[at] == ':';
  flat.which = six;
  flat.part[0] = port;
  for (size_t at = 0; at <= end; at++)
    if (at == end || text.at[at] == (six ? ':' : '.')) {
      if (at > from)
        flat.part[(six ? 2 : 1) + part++] = number(text.at + from, at - from, six ? 16 : 10);
      else
        part += 8 - part - (end - at > 0 ? 1 : 0); /* one group may follow the double colon */
      if (at == from && part > 7)
        part = 7;
      from = at + 1;
    }
  return flat;
}

static int udp_open(int family, struct result_pair *streams, struct flat *peer) {
  struct result_handle made;
  struct result_none done;
  struct flat any = {.which = family};
  make_udp(family, &made);
  if (made.failed)
    return made.error;
  udp_bind(made.handle, network, SPREAD(&any), &done);
  if (done.failed)
    return done.error;
  udp_bound(made.handle, &done);
  struct flat none = {0};
  struct flat *to = peer ? peer : &none;
  udp_stream(made.handle, peer != 0, SPREAD(to), streams);
  return streams->failed ? streams->error : -1;
}

/* Sends `ping`, and says what comes back, or that nothing does in ten seconds. */
static void talk_udp(struct flat address, int connected) {
  struct {
    struct text data;
    uint8_t some;
    struct address to;
  } one = {{"ping", 4}, !connected, {.which = address.which}};
  if (address.which == 0) {
    one.to.four.port = address.part[0];
    for (int at = 0; at < 4; at++)
      one.to.four.at[at] = address.part[1 + at];
  } else {
    one.to.six.port = address.part[0];
    for (int at = 0; at < 8; at++)
      one.to.six.at[at] = address.part[2 + at];
  }
  struct result_pair streams;
  struct result_number sent;
  struct result_text got;
  int error = udp_open(address.which, &streams, connected ? &address : 0);
  if (error >= 0) {
    say_error(error);
    return;
  }
  udp_room(streams.handle[1], &sent);
  udp_send(streams.handle[1], &one, 1, &sent);
  if (sent.failed) {
    say_error(sent.error);
    return;
  }
  int32_t both[] = {udp_ready(streams.handle[0]), after(10000000000)};
  struct text ready;
  poll_list(both, 2, &ready);
  udp_receive(streams.handle[0], 8, &got);
  if (got.failed)
    say_error(*(uint8_t *)&got.value);
  else if (got.value.size == 0)
    print("nothing\n");
  else {
    struct text *first = (struct text *)got.value.at;
    print_text(first->at, first->size), print("\n");
  }
}

static void read_all(int32_t in) {
  struct result_text got;
  for (;;) {
    stream_read(in, 100, &got);
    if (got.failed)
      return;
    print_text(got.value.at, got.value.size);
  }
}

static int32_t tcp_open(struct flat address, struct result_pair *streams) {
  struct result_handle made;
  struct result_none done;
  make_tcp(address.which, &made);
  if (made.failed)
    return streams->failed = 1, streams->error = made.error, -1;
  tcp_connect(made.handle, network, SPREAD(&address), &done);
  if (done.failed)
    return streams->failed = 1, streams->error = done.error, -1;
  for (;;) {
    tcp_connected(made.handle, streams);
    if (!streams->failed || streams->error != 8)
      return made.handle;
    wait_for(tcp_ready(made.handle));
  }
}

/* Sends `ping` and ends; says what comes back until the other side ends too. */
static void talk_tcp(struct flat address) {
  struct result_pair streams;
  struct result_none done;
  char result[12];
  int32_t socket = tcp_open(address, &streams);
  if (streams.failed) {
    say_error(streams.error);
    return;
  }
  stream_write(streams.handle[1], "ping\n", 5, result);
  tcp_shutdown(socket, 1, &done);
  read_all(streams.handle[0]);
  print("end\n");
}

/* Serves one after the other until as many as `count` have been served, but has all connections open at once. */
static void serve(struct flat address, int count) {
  struct result_handle made;
  struct result_none done;
  struct result_pair peer;
  struct result_address local;
  char result[12];
  make_tcp(address.which, &made);
  tcp_bind(made.handle, network, SPREAD(&address), &done);
  if (done.failed) {
    say_error(done.error);
    return;
  }
  tcp_bound(made.handle, &done);
  tcp_local(made.handle, &local);
  tcp_listen(made.handle, &done);
  tcp_listening(made.handle, &done);
  print("port "), print_number(local.address.four.port), print("\n");
  while (count-- > 0) {
    tcp_accept(made.handle, &peer);
    while (peer.failed && peer.error == 8) {
      int32_t both[] = {tcp_ready(made.handle), after(30000000000)};
      struct text ready;
      poll_list(both, 2, &ready);
      drop_pollable(both[0]), drop_pollable(both[1]);
      tcp_accept(made.handle, &peer);
    }
    if (peer.failed) {
      say_error(peer.error);
      return;
    }
    struct result_text got;
    for (;;) {
      stream_read(peer.handle[1], 65536, &got);
      if (got.failed)
        break;
      for (size_t at = 0; at < got.value.size; at += 4096)
        stream_write(peer.handle[2], got.value.at + at, got.value.size - at < 4096 ? got.value.size - at : 4096, result);
      used = 0; /* nothing else is on the heap that is needed again */
    }
    drop_input(peer.handle[1]), drop_output(peer.handle[2]), drop_tcp(peer.handle[0]);
  }
  print("served\n");
}

static void look_up(struct text name) {
  struct result_handle stream;
  struct result_found found;
  ask_name(network, name.at, name.size, &stream);
  if (stream.failed) {
    say_error(stream.error);
    return;
  }
  wait_for(name_ready(stream.handle));
  for (;;) {
    next_address(stream.handle, &found);
    if (found.failed) {
      say_error(found.error);
      return;
    }
    if (!found.some)
      break;
    for (int at = 0; at < (found.which ? 8 : 4); at++)
      print(at ? found.which ? ":" : "." : ""), print_number(found.which ? found.six[at] : found.four[at]);
    print(" ");
  }
  print("\n");
}

/* As many as can be had. */
static void crowd(void) {
  struct result_pair streams;
  int count = 0, error;
  while ((error = udp_open(0, &streams, 0)) < 0 && count < 100000)
    count++;
  print_number(count), print(" "), say_error(error);
}

static int is(struct text word, const char *wanted) {
  for (size_t at = 0; at < length(wanted); at++)
    if (at >= word.size || word.at[at] != wanted[at])
      return 0;
  return 1;
}

#ifdef CLIENT
IMPORT("wasi:http/types", "[constructor]fields") int32_t make_fields(void);
#endif

RUN {
  struct strings words;
#ifdef CLIENT
  make_fields();
#endif
  get_arguments(&words);
  network = the_network();
  struct text kept[64];
  static char texts[64][300];
  for (size_t at = 1; at < words.count && at < 64; at++) {
    kept[at] = (struct text){texts[at], words.at[at].size < 300 ? words.at[at].size : 300};
    memcpy(texts[at], words.at[at].at, kept[at].size);
  }
  for (size_t at = 1; at < words.count && at < 64; at++) {
    struct text word = kept[at];
    size_t slash = 0;
    while (slash < word.size && word.at[slash] != '/')
      slash++;
    struct text rest = {word.at + slash + 1, word.size - slash - 1};
    used = 0;
    print_text(word.at, word.size), print(" ");
    if (is(word, "tcp/"))
      talk_tcp(parse(rest));
    else if (is(word, "udp/"))
      talk_udp(parse(rest), 0);
    else if (is(word, "peer/"))
      talk_udp(parse(rest), 1);
    else if (is(word, "name/"))
      look_up(rest);
    else if (is(word, "crowd/"))
      crowd();
    else if (is(word, "serve/"))
      serve(parse(rest), 1);
    else if (is(word, "serve9/"))
      serve(parse(rest), 9);
  }
  return 0;
}
