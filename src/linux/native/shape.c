/* How fast a container may send and receive, decided on the host's end of its pair of links, where it cannot change it.
 * What goes to it waits in a token bucket filter of that link. What comes from it could only be dropped there, so it is
 * led through a link of its own (an ifb, the shaper), which has a token bucket filter as well. */
#include "shape.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "fail.h"
#include "netlink.h"
#include "rtnl.h"

#define HANDLE TC_H_MAKE(0x10000, 0)
#define INGRESS_HANDLE TC_H_MAKE(TC_H_INGRESS, 0)

/* The kernel answers ENOENT for a queue, filter or action it was built without, and EOPNOTSUPP for a kind of link. */
static int fail_lacking(const char *link, const char *reason) {
  return errno == ENOENT || errno == EOPNOTSUPP ? fail_because("limit the rate of", link, reason) : fail("limit the rate of", link);
}

static uint64_t between(uint64_t low, uint64_t value, uint64_t high) { return value < low ? low : value > high ? high : value; }

/* A burst is what may go at once: a packet that is cut later may have 64 KiB. The queue holds 50 ms more. */
static int make_filter(unsigned index, const char *name, uint64_t bits) {
  uint64_t rate = bits < 8 ? 1 : bits / 8;
  uint32_t burst = (uint32_t)between(72u << 10, rate / 100, 64u << 20);
  struct tc_tbf_qopt options = {.limit = burst + (uint32_t)between(192u << 10, rate / 20, 256u << 20)};
  options.rate.rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate;
  options.rate.linklayer = TC_LINKLAYER_ETHERNET;
  struct tcmsg body = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index, .tcm_handle = HANDLE, .tcm_parent = TC_H_ROOT};
  struct request request;
  request_begin(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof body);
  request_add_name(&request, TCA_KIND, "tbf");
  struct rtattr *nest = request_add(&request, TCA_OPTIONS, NULL, 0);
  request_add(&request, TCA_TBF_PARMS, &options, sizeof options);
  request_add(&request, TCA_TBF_BURST, &burst, sizeof burst);
  if (rate > UINT32_MAX) request_add(&request, TCA_TBF_RATE64, &rate, sizeof rate);
  request_end_nest(&request, nest);
  return request_send(&request) < 0 ? fail_lacking(name, "this kernel lacks sch_tbf") : 0;
}

/* One that is not there is fine: a link without a queue of its own answers that it has no such handle. */
static int remove_queue(unsigned index, const char *name, uint32_t parent, uint32_t handle) {
  struct tcmsg body = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index, .tcm_handle = handle, .tcm_parent = parent};
  struct request request;
  request_begin(&request, RTM_DELQDISC, 0, &body, sizeof body);
  return request_send(&request) < 0 && errno != ENOENT && errno != EINVAL ? fail("limit the rate of", name) : 0;
}

static int make_shaper(const char *name) {
  struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  struct request request;
  request_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  request_add_name(&request, IFLA_IFNAME, name);
  struct rtattr *info = request_add(&request, IFLA_LINKINFO, NULL, 0);
  request_add_name(&request, IFLA_INFO_KIND, "ifb");
  request_end_nest(&request, info);
  return request_send(&request) < 0 && errno != EEXIST ? fail_lacking(name, "this kernel lacks ifb") : 0;
}

static int make_ingress(unsigned index, const char *link) {
  struct tcmsg body = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index, .tcm_handle = INGRESS_HANDLE, .tcm_parent = TC_H_INGRESS};
  struct request request;
  request_begin(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  request_add_name(&request, TCA_KIND, "ingress");
  return request_send(&request) < 0 ? fail_lacking(link, "this kernel lacks sch_ingress") : 0;
}

/* Every packet, by a match of no bits, as what needs no more than cls_u32. */
static int lead_through(unsigned index, const char *link, unsigned shaper) {
  struct {
    struct tc_u32_sel sel;
    struct tc_u32_key key;
  } all = {.sel = {.flags = TC_U32_TERMINAL, .nkeys = 1}};
  struct tc_mirred redirect = {.action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = shaper};
  struct tcmsg body = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index, .tcm_parent = INGRESS_HANDLE};
  body.tcm_info = TC_H_MAKE(1u << 16, htons(ETH_P_ALL));
  struct request request;
  request_begin(&request, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  request_add_name(&request, TCA_KIND, "u32");
  struct rtattr *options = request_add(&request, TCA_OPTIONS, NULL, 0);
  request_add(&request, TCA_U32_SEL, &all, sizeof all);
  struct rtattr *actions = request_add(&request, TCA_U32_ACT, NULL, 0), *first = request_add(&request, 1, NULL, 0);
  request_add_name(&request, TCA_ACT_KIND, "mirred");
  struct rtattr *action = request_add(&request, TCA_ACT_OPTIONS, NULL, 0);
  request_add(&request, TCA_MIRRED_PARMS, &redirect, sizeof redirect);
  request_end_nest(&request, action);
  request_end_nest(&request, first);
  request_end_nest(&request, actions);
  request_end_nest(&request, options);
  return request_send(&request) < 0 ? fail_lacking(link, "this kernel lacks cls_u32 or act_mirred") : 0;
}

/* Made anew each time: whoever was cut short may have left a queue that leads nowhere. */
static int limit_sending(unsigned index, const char *link, const char *shaper_name, uint64_t bits) {
  unsigned shaper;
  if (bits == 0) return remove_queue(index, link, TC_H_INGRESS, INGRESS_HANDLE) < 0 ? -1 : delete_link(shaper_name);
  if (make_shaper(shaper_name) < 0 || link_index(shaper_name, &shaper) < 0) return -1;
  if (make_filter(shaper, shaper_name, bits) < 0) return -1;
  if (remove_queue(index, link, TC_H_INGRESS, INGRESS_HANDLE) < 0 || make_ingress(index, link) < 0) return -1;
  return lead_through(index, link, shaper);
}

int step_rate(struct reader *args, const char **made) {
  const char *link = read_string(args), *shaper = read_string(args);
  uint64_t sending = read_u64(args), receiving = read_u64(args);
  unsigned index;
  if (args->bad || !is_link_name(shaper)) return errno = EINVAL, fail("decode", "rate");
  if (link_index(link, &index) < 0) return -1;
  int limited = receiving == 0 ? remove_queue(index, link, TC_H_ROOT, HANDLE) : make_filter(index, link, receiving);
  if (limited == 0 && sending > 0) *made = shaper;
  return limited < 0 ? -1 : limit_sending(index, link, shaper, sending);
}
