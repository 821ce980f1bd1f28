/* A server for tests: what it does is the first letter of the path, and what it prints tells who was served. */
IMPORT("wasi:http/types", "[constructor]fields") int32_t new_fields(void);
IMPORT("wasi:http/types", "[method]fields.append")
void append_field(int32_t, const char *, size_t, const char *, size_t, void *result);
IMPORT("wasi:http/types", "[method]incoming-request.path-with-query")
void request_path(int32_t, struct { uint8_t some; struct text value; } *);
IMPORT("wasi:http/types", "[method]incoming-request.headers") int32_t request_headers(int32_t);
IMPORT("wasi:http/types", "[method]fields.get")
void get_field(int32_t, const char *, size_t, struct { struct text *at; size_t count; } *);
IMPORT("wasi:http/types", "[method]incoming-request.consume") void consume(int32_t, struct result_handle *);
IMPORT("wasi:http/types", "[method]incoming-body.stream") void body_stream(int32_t, struct result_handle *);
IMPORT("wasi:http/types", "[constructor]outgoing-response") int32_t new_response(int32_t fields);
IMPORT("wasi:http/types", "[method]outgoing-response.set-status-code") int32_t set_status(int32_t, int32_t);
IMPORT("wasi:http/types", "[method]outgoing-response.body") void response_body(int32_t, struct result_handle *);
IMPORT("wasi:http/types", "[method]outgoing-body.write") void body_write(int32_t, struct result_handle *);
IMPORT("wasi:http/types", "[static]outgoing-body.finish")
void finish(int32_t body, int32_t some_trailers, int32_t trailers, void *result);
IMPORT("wasi:http/types", "[resource-drop]outgoing-body") void drop_body(int32_t);
IMPORT("wasi:http/types", "[static]response-outparam.set")
void answer(int32_t out, int32_t failed, int32_t response, int32_t, int64_t, int32_t, int32_t, int32_t, int32_t);

static char result[64];
static int requests;

static int32_t begin(int32_t out, int status, const char *name, const char *value, int32_t *body) {
  struct result_handle made;
  int32_t fields = new_fields();
  append_field(fields, name, length(name), value, length(value), result);
  int32_t response = new_response(fields);
  set_status(response, status);
  response_body(response, &made);
  *body = made.handle;
  body_write(*body, &made);
  answer(out, 0, response, 0, 0, 0, 0, 0, 0);
  return made.handle;
}

static void send(int32_t stream, const char *text, size_t size) { stream_write(stream, text, size, result); }

static void end(int32_t stream, int32_t body, int32_t some_trailers) {
  int32_t trailers = some_trailers ? new_fields() : 0;
  if (some_trailers)
    append_field(trailers, "X-Sum", 5, "of all", 6, result);
  drop_output(stream);
  finish(body, some_trailers, trailers, result);
}

static void echo(int32_t request, int32_t stream) {
  struct result_handle in;
  struct result_text part;
  consume(request, &in);
  body_stream(in.handle, &in);
  for (;;) {
    used = 0; /* what was read before has been sent */
    stream_read(in.handle, 4096, &part);
    if (part.failed)
      break;
    send(stream, part.value.at, part.value.size);
  }
  drop_input(in.handle);
}

EXPORT("wasi:http/incoming-handler@0.2.3#handle") void handle(int32_t request, int32_t out) {
  struct { uint8_t some; struct text value; } path;
  int32_t body;
  request_path(request, (void *)&path);
  char what = path.value.at[1];
  if (what == 't')
    __builtin_trap();
  if (what == 'n')
    return;
  if (what == 's')
    pollable_block(after(300000000));
  int32_t stream = begin(out, what == 'm' ? 404 : 200, "X-Name", "value", &body);
  if (what == 'e')
    echo(request, stream);
  else if (what == 'b')
    for (int part = 0; part < 512; part++)
      send(stream, heap, 4096);
  else if (what == 'u') { /* unfinished */
    send(stream, "half", 4);
    drop_output(stream);
    drop_body(body);
    return;
  } else if (what == 'l') { /* after the headers have gone */
    send(stream, "begun", 5);
    __builtin_trap();
  } else {
    struct { struct text *at; size_t count; } found;
    get_field(request_headers(request), "x-asked", 7, (void *)&found);
    if (found.count > 0)
      send(stream, found.at[0].at, found.at[0].size), send(stream, " ", 1);
    send(stream, path.value.at, path.value.size);
    send(stream, requests == 0 ? " fresh\n" : "  used\n", 7);
    requests++;
    print("served\n");
  }
  end(stream, body, what == 'w'); /* with trailers */
}
