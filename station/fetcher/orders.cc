#include "station/fetcher/orders.h"

#include <optional>

#include "station/base/enums.h"
#include "station/fetcher/check.h"
#include "station/fetcher/export.h"
#include "station/fetcher/find.h"
#include "station/fetcher/import.h"
#include "station/fetcher/pause.h"
#include "station/fetcher/report_text.h"
#include "station/fetcher/reporter.h"

namespace station::fetcher {
namespace {

using worker::v1::ToDaemon;
using Messages = std::vector<ToDaemon>;

HttpOptions OptionsOf(const worker::v1::Network& network) {
  HttpOptions options;
  options.proxy = network.proxy();
  options.ca_file = network.ca_file();
  options.bytes_per_second = network.bytes_per_second();
  return options;
}

// An empty text is no hash; one that is none is an error.
template <typename Digest>
Result<std::optional<Digest>> HashOf(const std::string& hex,
                                     std::optional<Digest> (*parse)(std::string_view)) {
  if (hex.empty()) return std::optional<Digest>();
  auto digest = parse(hex);
  if (!digest) return Fail(ErrorCode::kBadRequest, "\"" + hex + "\" is no such hash");
  return digest;
}

Result<store::Entry> TakeIn(const worker::v1::ImportOrders& orders, const std::string& task,
                            const ImportHooks& hooks) {
  STATION_TRY(sha256, HashOf<Sha256Digest>(orders.expected_sha256(), ParseSha256));
  STATION_TRY(sha1, HashOf<Sha1Digest>(orders.expected_sha1(), store::ParseSha1));
  if (orders.urls().empty())
    return Import({orders.source_path(), orders.store_path(), task, sha256}, hooks);
  FetchRequest request;
  request.remote.urls = {orders.urls().begin(), orders.urls().end()};
  if (orders.size() != 0) request.remote.size = orders.size();
  request.remote.http = OptionsOf(orders.network());
  request.remote.pause = PauseUnless(hooks.stop);
  request.store = orders.store_path();
  request.sha256 = sha256;
  request.sha1 = sha1;
  return Fetch(std::move(request), hooks);
}

Result<Messages> CarryOut(const worker::v1::ImportOrders& orders, const std::string& task,
                          const ImportHooks& hooks) {
  STATION_TRY(entry, TakeIn(orders, task, hooks));
  Messages messages;
  worker::v1::Imported& imported = *messages.emplace_back().mutable_imported();
  imported.set_sha256(ToHex(entry.sha256));
  imported.set_size(entry.size);
  imported.set_version(entry.version);
  imported.set_build(entry.build);
  for (const std::string& product : entry.products) imported.add_products(product);
  return messages;
}

void Fill(const FoundOffer& found, worker::v1::Offer& message) {
  message.set_product(found.offer.product);
  message.set_version(Printable(found.offer.version));
  message.set_build(Printable(found.offer.build));
  for (const std::string& url : found.offer.urls) message.add_urls(Printable(url));
  message.set_size(found.offer.size.value_or(0));
  if (found.offer.sha1) message.set_sha1(ToHex(*found.offer.sha1));
  if (found.offer.sha256) message.set_sha256(ToHex(*found.offer.sha256));
  message.set_is_signed(static_cast<std::uint32_t>(found.is_signed));
}

Result<Messages> CarryOut(const worker::v1::FindOrders& orders, const ImportHooks& hooks) {
  FindRequest request;
  request.product = orders.product();
  request.board = orders.board();
  request.chip_id = orders.chip_id();
  request.board_id = orders.board_id();
  request.ecid = {orders.ecid()};
  request.action = orders.action() == static_cast<std::uint32_t>(Action::kUpdate) ? Action::kUpdate
                                                                                  : Action::kErase;
  request.want = orders.want();
  request.sources = {orders.vendor_list_url(), orders.ipsw_me_url(), OptionsOf(orders.network())};
  request.sources.http.stop = hooks.stop;
  request.signer = {orders.signing_url(), orders.signing_ca_file()};
  request.pause = PauseUnless(hooks.stop);
  STATION_TRY(offers, Find(request));
  constexpr std::size_t kMostTold = 40;  // a packet has a limit
  Messages messages(1);
  for (std::size_t i = 0; i < offers.size() && i < kMostTold; ++i)
    Fill(offers[i], *messages.front().mutable_found()->add_offers());
  return messages;
}

Result<Sha256Digest> EntryOf(const std::string& hex) {
  const auto sha256 = ParseSha256(hex);
  if (!sha256) return Fail(ErrorCode::kBadRequest, "\"" + hex + "\" is no SHA-256");
  return *sha256;
}

Result<Messages> CarryOut(const worker::v1::CheckOrders& orders, const ImportHooks& hooks) {
  STATION_TRY(sha256, EntryOf(orders.sha256()));
  STATION_CHECK(Check({.store = orders.store_path(),
                       .sha256 = sha256,
                       .from = orders.from(),
                       .bytes_per_second = orders.bytes_per_second(),
                       .pause = PauseUnless(hooks.stop)},
                      hooks));
  return Messages();
}

// Where it is now is its last word.
Result<Messages> CarryOut(const worker::v1::ExportOrders& orders, const ImportHooks& hooks) {
  STATION_TRY(sha256, EntryOf(orders.sha256()));
  STATION_TRY(path, Export({orders.store_path(), sha256, orders.target()}, hooks));
  Messages messages(1);
  messages.front().mutable_finished()->set_context(Printable(path.string()));
  return messages;
}

Result<Messages> CarryOut(const worker::v1::Welcome& welcome, const std::string& task,
                          const ImportHooks& hooks) {
  if (welcome.has_import()) return CarryOut(welcome.import(), task, hooks);
  if (welcome.has_find()) return CarryOut(welcome.find(), hooks);
  if (welcome.has_check()) return CarryOut(welcome.check(), hooks);
  if (welcome.has_export_()) return CarryOut(welcome.export_(), hooks);
  return Fail(ErrorCode::kBadRequest, "the daemon gave no orders for a fetcher");
}

}  // namespace

Status CarryOutOrders(const std::filesystem::path& socket, const std::string& task,
                      const std::function<bool()>& stop) {
  Reporter reporter(socket, task);
  STATION_TRY(welcome, reporter.Begin());
  ImportHooks hooks;
  hooks.progress = [&](std::uint64_t done, std::uint64_t total) { reporter.Progress(done, total); };
  hooks.stop = [&] { return stop() || reporter.Cancelled(); };
  Result<Messages> done = CarryOut(welcome, task, hooks);
  Messages messages = done ? std::move(*done) : Messages();
  if (messages.empty() || !messages.back().has_finished())
    messages.emplace_back().mutable_finished();
  if (!done) {
    worker::v1::Finished& finished = *messages.back().mutable_finished();
    finished.set_error_code(static_cast<std::uint32_t>(done.error().code));
    finished.set_context(Printable(done.error().context));
  }
  reporter.End(messages);
  if (!done) return std::unexpected(std::move(done).error());
  return {};
}

}  // namespace station::fetcher
