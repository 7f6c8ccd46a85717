#include "station/fetcher/by_hand.h"

#include <unistd.h>

#include <iostream>

#include "station/fetcher/find.h"
#include "station/fetcher/import.h"
#include "station/fetcher/pause.h"
#include "station/fetcher/progress_pace.h"
#include "station/fetcher/report_text.h"

namespace station::fetcher {
namespace {

// Draws progress with speed and time left.
class Drawing {
 public:
  void operator()(std::uint64_t done, std::uint64_t total) {
    if (!pace_.Due(done == total)) return;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began_;
    if (!first_) first_ = done;  // what was there already took no time
    const double speed =
        spent.count() > 0.5 ? static_cast<double>(done - *first_) / spent.count() : 0;
    std::cerr << (done >> 20U) << " of " << (total >> 20U) << " MiB";
    if (speed > 0)
      std::cerr << ", " << static_cast<std::uint64_t>(speed / 1e6) << " MB/s, "
                << static_cast<std::uint64_t>(static_cast<double>(total - done) / speed)
                << " s left";
    std::cerr << "\n" << std::flush;
  }

 private:
  ProgressPace pace_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::optional<std::uint64_t> first_;
};

int Print(const std::string& lines) {
  std::cout << lines << std::flush;
  return std::cout ? 0 : Report({ErrorCode::kIo, "writing to standard output"});
}

int Tell(const Result<store::Entry>& entry) {
  return entry ? Print(EntryAsJson(*entry) + "\n") : Report(entry.error());
}

template <typename Digest>
Status Understand(const std::string& hex, std::optional<Digest> (*parse)(std::string_view),
                  std::optional<Digest>& digest) {
  if (hex.empty()) return {};
  digest = parse(hex);
  if (digest) return {};
  return Fail(ErrorCode::kBadRequest, "\"" + hex + "\" is no such hash in hexadecimal");
}

HttpOptions OptionsOf(const ByHand& options, const std::function<bool()>& stop) {
  HttpOptions http;
  http.proxy = options.proxy;
  http.ca_file = options.ca_file;
  http.bytes_per_second = options.bytes_per_second;
  http.stop = stop;
  return http;
}

int RunImport(const ByHand& options, const std::function<bool()>& stop) {
  ImportRequest request{options.file, options.store, "by-hand-" + std::to_string(::getpid()), {}};
  if (const auto read = Understand(options.sha256, ParseSha256, request.expected); !read)
    return Report(read.error());
  return Tell(Import(request, {.progress = Drawing(), .stop = stop}));
}

int RunFetch(const ByHand& options, const std::function<bool()>& stop) {
  FetchRequest request;
  auto read = Understand(options.sha256, ParseSha256, request.sha256);
  if (read) read = Understand(options.sha1, store::ParseSha1, request.sha1);
  if (!read) return Report(read.error());
  request.remote.urls = options.urls;
  if (options.size != 0) request.remote.size = options.size;
  request.remote.http = OptionsOf(options, stop);
  request.remote.pause = PauseUnless(stop);
  request.store = options.store;
  return Tell(Fetch(std::move(request), {.progress = Drawing(), .stop = stop}));
}

int RunFind(const ByHand& options, const std::function<bool()>& stop) {
  FindRequest request;
  const auto ecid = ParseEcid(options.ecid.empty() ? "0" : options.ecid);
  if (!ecid) return Report({ErrorCode::kBadRequest, options.ecid + " is no ECID"});
  if (!options.signing_url.empty() && (!ecid->Known() || options.board.empty()))
    return Report({ErrorCode::kBadRequest, "to ask the signing server, give --ecid and --board"});
  request.product = options.product;
  request.board = options.board;
  request.chip_id = options.chip_id;
  request.board_id = options.board_id;
  request.ecid = *ecid;
  request.want = options.want;
  request.sources = {options.vendor_list_url, options.ipsw_me_url, OptionsOf(options, stop)};
  request.signer = {options.signing_url, options.signing_ca_file};
  request.pause = PauseUnless(stop);
  const auto offers = Find(request);
  if (!offers) return Report(offers.error());
  std::string lines;
  for (const FoundOffer& offer : *offers) lines += OfferAsJson(offer) + "\n";
  return Print(lines);
}

void AddNetwork(CLI::App& command, ByHand& options) {
  command.add_option("--proxy", options.proxy, "empty: what the environment says");
  command.add_option("--ca-file", options.ca_file, "PEM roots for https instead of the system's");
}

}  // namespace

int Report(const Error& error) {
  std::cerr << "error: " << Name(error.code) << ": " << Printable(error.context) << "\n"
            << OperatorLine(error.code) << "\n";
  return static_cast<int>(Info(error.code).error_class);
}

void AddByHandCommands(CLI::App& app, ByHand& options, std::function<int()>& chosen,
                       const std::function<bool()>& stop) {
  const auto add = [&](const char* name, const char* what,
                       int (*run)(const ByHand&, const std::function<bool()>&)) {
    CLI::App* command = app.add_subcommand(name, what);
    command->footer(app.get_footer());
    command->callback([&options, &chosen, stop, run] {
      chosen = [&options, stop, run] { return run(options, stop); };
    });
    return command;
  };
  CLI::App* import = add("import", "Import one IPSW and print its entry as JSON", RunImport);
  import->add_option("FILE", options.file, "the IPSW")->required();
  CLI::App* fetch =
      add("fetch", "Download one IPSW into the store, going on where a fetch ended", RunFetch);
  fetch->add_option("URL", options.urls, "where it is, and mirrors of it")->required();
  fetch->add_option("--sha1", options.sha1, "what the file's SHA-1 must be");
  fetch->add_option("--size", options.size, "how many bytes it has");
  fetch->add_option("--bytes-per-second", options.bytes_per_second, "no faster than this");
  for (CLI::App* command : {import, fetch}) {
    command->add_option("--store", options.store, "the store's folder")->required();
    command->add_option("--sha256", options.sha256, "what the file's SHA-256 must be");
  }
  CLI::App* find =
      add("find", "What catalogues offer for a product, and what of it is signed", RunFind);
  find->add_option("PRODUCT", options.product, "iPhone10,1")->required();
  find->add_option("--want", options.want, "latest, a version or a build")->capture_default_str();
  find->add_option("--vendor-list", options.vendor_list_url, "address of the vendor's list");
  find->add_option("--ipsw-me", options.ipsw_me_url, "base address of the ipsw.me interface");
  find->add_option("--signing-url", options.signing_url, "ask this server what it signs");
  find->add_option("--signing-ca-file", options.signing_ca_file, "PEM roots for that server");
  find->add_option("--ecid", options.ecid, "the phone to sign for");
  find->add_option("--board", options.board, "its board: d20ap");
  find->add_option("--chip", options.chip_id, "its chip's number, when known");
  find->add_option("--board-id", options.board_id, "its board's number, when known");
  for (CLI::App* command : {fetch, find}) AddNetwork(*command, options);
}

}  // namespace station::fetcher
