#pragma once
// Things that a row of the mutation suite makes wrong, in a few words.

#include <algorithm>

#include "tests/rack/image4/constraints.h"
#include "tests/rack/test/mutation.h"

namespace rack {

using Spoil = std::function<void(BootBench&)>;

// Something else is signed.
inline Spoil Plan(std::function<void(TicketPlan&)> change) {
  return [change](BootBench& bench) { bench.spoil_plan = change; };
}
inline Spoil Identity(const char* name, Bytes value) {
  return Plan([=](TicketPlan& plan) { plan.identity[name] = value; });
}
inline Spoil Requested(const char* key, Value value) {
  return [=](BootBench& bench) {
    bench.spoil_request = [=](Value& request) { request.Set(key, value); };
  };
}

// The last byte of what `find` finds in the signed ticket is changed by one bit.
inline Spoil BitOf(std::function<der::Span(const Ticket&)> find) {
  return [find](BootBench& bench) {
    bench.spoil_ticket = [find](Bytes& bytes) {
      const Ticket ticket = ReadTicket(bytes).value();
      const der::Span found = find(ticket);
      bytes[static_cast<std::size_t>(&found.back() - bytes.data())] ^= 1U;
    };
  };
}

// The leaf is another one.
inline Spoil Leaf(std::function<LeafShape(std::uint32_t chip)> shape) {
  return [shape](BootBench& bench) {
    const Product product = bench.GetProduct();
    bench.spoil_plan = [=](TicketPlan& plan) {
      plan.certificates =
          TestSigner().Keys().ChainWith(product.generation, product.chip, shape(product.chip));
    };
  };
}
inline LeafShape ForeignLeaf(std::uint32_t chip) {
  return {.constraints = WriteLeafConstraints(chip), .foreign_issuer = true};
}

inline void SignWithTheOtherGeneration(BootBench& bench) {
  const Product product = bench.GetProduct();
  const Generation other =
      GenerationOf(product.generation.hash == HashKind::kSha1 ? 0x8015 : 0x8000);
  bench.spoil_plan = [=](TicketPlan& plan) {
    plan.signer = other;
    plan.certificates = TestSigner().Keys().Chain(other, product.chip);
  };
}

// The command of one component is given another one.
inline Spoil Instead(const char* component, const char* given) {
  return [=](BootBench& bench) { bench.MoveOf(component).component = given; };
}

// The image of one component is changed on its way.
inline Spoil Image(const char* component, std::function<void(Bytes&)> change) {
  return [=](BootBench& bench) { bench.spoil_image[component] = change; };
}

}  // namespace rack
