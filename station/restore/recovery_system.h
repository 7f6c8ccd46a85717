#pragma once
// The recovery system some firmware brings along (iPhone 16 and later): an identity of its own,
// named by the one that is restored, with a ticket of its own (restore-protocol 6.3, 6.7
// "RecoveryOS").

#include <memory>
#include <optional>

#include "station/restore/data_requests.h"
#include "station/restore/restore_options.h"

namespace station::restore {

struct RecoverySystem {
  firmware::Identity identity;
  image4::Ticket ticket;
  std::unique_ptr<ComponentSource> components;  // of the two above
};

// The identity named by Info.RecoveryVariant, of the same board; nothing when none is named.
// kFirmwareNoIdentity when the one that is named is not there.
[[nodiscard]] Result<std::optional<firmware::Identity>> FindRecoveryIdentity(
    const firmware::Identity& identity, const firmware::BuildManifest* manifest);
// Signed for the nonces of the ticket in use. Asks the signing server: to be done before anything
// is erased.
[[nodiscard]] Result<std::unique_ptr<RecoverySystem>> PrepareRecoverySystem(
    const firmware::Identity& identity, const ComponentSource& components,
    const RestoreSetup& setup);
[[nodiscard]] RecoverySystemRoom RoomFor(const RecoverySystem& system);

// The components a request is about: the recovery system's where its arguments say IsRecoveryOS and
// there is one.
[[nodiscard]] const ComponentSource& ComponentsFor(plist::View arguments,
                                                   const ProviderContext& context);

// Providers.
[[nodiscard]] Status ProvideRecoveryTicket(const DataRequest& request,
                                           const ProviderContext& context, AnswerChannel& channel);
[[nodiscard]] Status ProvideRecoveryFile(const DataRequest& request, const ProviderContext& context,
                                         AnswerChannel& channel);
[[nodiscard]] Status ProvideRecoveryBootFiles(const DataRequest& request,
                                              const ProviderContext& context,
                                              AnswerChannel& channel);
[[nodiscard]] Status ProvideRecoveryImage(const DataRequest& request,
                                          const ProviderContext& context, AnswerChannel& channel);
[[nodiscard]] Status ProvideRecoveryVersion(const DataRequest& request,
                                            const ProviderContext& context, AnswerChannel& channel);
[[nodiscard]] Status ProvideRecoveryPolicy(const DataRequest& request,
                                           const ProviderContext& context, AnswerChannel& channel);

}  // namespace station::restore
