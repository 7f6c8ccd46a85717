#pragma once
// The signer's HTTP front on 127.0.0.1. Takes requests in origin form and, for clients with fixed
// addresses, in absolute form for any host: it serves as their http_proxy. Everything but signing
// is refused.

#include <cstdint>
#include <memory>
#include <string>

#include "tests/rack/model/recorder.h"
#include "tests/rack/signer/tss.h"
#include "tests/rack/wire/server.h"

namespace rack {

class SignerServer {
 public:
  // kIo when no port can be had.
  [[nodiscard]] static station::Result<std::unique_ptr<SignerServer>> Start(SigningKeys keys,
                                                                            ProductTable products);

  [[nodiscard]] std::string BaseUrl() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] SignerFaults Faults() const;
  void SetFaults(const SignerFaults& faults);
  [[nodiscard]] std::uint64_t TicketsAsked() const { return asked_; }
  // Every request that can be read, from then on; call it before the first.
  void RecordTo(const std::filesystem::path& file) { recorder_ = std::make_unique<Recorder>(file); }

 private:
  SignerServer(TicketSigner signer, TcpListener listener);
  void Serve(Stream& stream);
  [[nodiscard]] std::string AnswerTo(const std::string& method, const std::string& target,
                                     const std::string& body);
  [[nodiscard]] bool TakeUnavailable();

  TicketSigner signer_;
  std::uint16_t port_;
  mutable std::mutex mutex_;
  SignerFaults faults_;
  std::atomic<std::uint64_t> asked_{0};
  std::unique_ptr<Recorder> recorder_ = std::make_unique<Recorder>();
  std::unique_ptr<SocketServer> server_;  // last: its threads use the rest
};

}  // namespace rack
