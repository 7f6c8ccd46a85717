#include "station/restore/baseband_package.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "station/restore/modem_image.h"

namespace station::restore {
namespace {

using plist::View;

constexpr std::uint64_t kMav25 = 0x1F30E1;
constexpr std::uint64_t kLargestMember = 256U << 20U;

// Which file an element's signature goes into (6.7).
using Row = std::pair<std::string_view, std::string_view>;
constexpr auto kFiles = std::to_array<Row>({
    {"RamPSI", "psi_ram.fls"},
    {"FlashPSI", "psi_flash.fls"},
    {"eDBL", "dbl.mbn"},
    {"DBL", "dbl.mbn"},
    {"RestoreDBL", "restoredbl.mbn"},
    {"ENANDPRG", "ENPRG.mbn"},
    {"RestoreSBL1", "restoresbl1.mbn"},
    {"SBL1", "sbl1.mbn"},
    {"RestorePSI", "restorepsi.bin"},
    {"PSI", "psi_ram.bin"},
    {"RestorePSI2", "restorepsi2.bin"},
    {"PSI2", "psi_ram2.bin"},
    {"Misc", "multi_image.mbn"},
});
constexpr auto kMav25Files = std::to_array<Row>({
    {"Misc", "multi_image.mbn"},
    {"RestoreSBL1", "restorexbl_sc.elf"},
    {"SBL1", "xbl_sc.elf"},
    {"TME", "signed_firmware_soc_view.elf"},
});
constexpr std::array<std::string_view, 4> kImages = {".fls", ".mbn", ".elf", ".bin"};
constexpr const char* kTicketedFls = "ebl.fls";
constexpr const char* kTicketFile = "bbticket.der";
constexpr std::string_view kBlobSuffix = "-Blob";

Result<std::string> FileOf(std::string_view element, std::uint64_t chip_id) {
  const std::span<const Row> rows =
      chip_id == kMav25 ? std::span<const Row>(kMav25Files) : std::span<const Row>(kFiles);
  const auto found = std::ranges::find(rows, element, &Row::first);
  if (found == rows.end())
    return Fail(ErrorCode::kUpdaterUnsupported,
                "a baseband with the element " + std::string(element.substr(0, 64)));
  return std::string(found->second);
}

bool IsFls(std::string_view name) { return name.ends_with(".fls"); }

std::unexpected<Error> BadZip(const std::string& what) {
  return Fail(ErrorCode::kFirmwareMalformed, "baseband firmware: " + what);
}

// A zip in memory, changed in memory. Replaced members are kept here until it is written.
class Package {
 public:
  static Result<Package> Open(std::span<const std::uint8_t> bytes) {
    zip_error_t error;
    zip_error_init(&error);
    Package package;
    package.source_.reset(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error));
    if (package.source_) {
      zip_source_keep(package.source_.get());  // one for the archive, one to read the result
      package.archive_.reset(zip_open_from_source(package.source_.get(), 0, &error));
      if (!package.archive_) zip_source_free(package.source_.get());
    }
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (!package.archive_) return BadZip(reason);
    return package;
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_.get(), 0); ++i) {
      const char* name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), 0);
      names.emplace_back(name == nullptr ? "" : name);
    }
    return names;
  }

  Result<ImageBytes> Read(const std::string& name) const {
    STATION_TRY(index, Locate(name));
    zip_stat_t facts;
    if (zip_stat_index(archive_.get(), index, 0, &facts) != 0 || (facts.valid & ZIP_STAT_SIZE) == 0)
      return BadZip(name + " cannot be read");
    if (facts.size > kLargestMember) return BadZip(name + " is too large");
    const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(archive_.get(), index, 0));
    if (!file) return BadZip(name + " cannot be opened");
    ImageBytes bytes(facts.size);
    if (zip_fread(file.get(), bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size()))
      return BadZip(name + " is cut short");
    return bytes;
  }

  Status Replace(const std::string& name, ImageBytes bytes) {
    STATION_TRY(index, Locate(name));
    zip_stat_t facts;
    const bool dated = zip_stat_index(archive_.get(), index, 0, &facts) == 0 &&
                       (facts.valid & ZIP_STAT_MTIME) != 0;
    zip_source_t* source = Keep(std::move(bytes));
    if (source == nullptr || zip_file_replace(archive_.get(), index, source, 0) != 0) {
      zip_source_free(source);
      return BadZip(name + " cannot be replaced");
    }
    if (dated)
      zip_file_set_mtime(archive_.get(), index, facts.mtime,
                         0);  // the result depends on its input alone
    return {};
  }

  Status Add(const std::string& name, ImageBytes bytes) {
    zip_source_t* source = Keep(std::move(bytes));
    const zip_int64_t index =
        source == nullptr ? -1
                          : zip_file_add(archive_.get(), name.c_str(), source, ZIP_FL_OVERWRITE);
    if (index < 0) {
      zip_source_free(source);
      return BadZip(name + " cannot be added");
    }
    zip_file_set_mtime(archive_.get(), static_cast<zip_uint64_t>(index), kTicketTime, 0);
    return {};
  }

  void Remove(std::size_t index) { zip_delete(archive_.get(), index); }

  Result<std::vector<std::uint8_t>> Finish() {
    if (zip_close(archive_.get()) != 0) return BadZip(zip_strerror(archive_.get()));
    (void)archive_.release();
    zip_stat_t facts;
    zip_stat_init(&facts);
    if (zip_source_stat(source_.get(), &facts) != 0 || (facts.valid & ZIP_STAT_SIZE) == 0 ||
        zip_source_open(source_.get()) != 0)
      return BadZip("the signed archive cannot be read back");
    std::vector<std::uint8_t> bytes(facts.size);
    const zip_int64_t got = zip_source_read(source_.get(), bytes.data(), bytes.size());
    zip_source_close(source_.get());
    if (got != static_cast<zip_int64_t>(bytes.size()))
      return BadZip("the signed archive is cut short");
    return bytes;
  }

 private:
  static constexpr time_t kTicketTime = 1577836800;  // fixed: the result depends on its input alone
  struct Discard {
    void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
  };
  struct FreeSource {
    void operator()(zip_source_t* source) const noexcept { zip_source_free(source); }
  };
  struct CloseFile {
    void operator()(zip_file_t* file) const noexcept { zip_fclose(file); }
  };

  Result<zip_uint64_t> Locate(const std::string& name) const {
    const zip_int64_t index = zip_name_locate(archive_.get(), name.c_str(), 0);
    if (index < 0)
      return Fail(ErrorCode::kFirmwareMemberMissing, "the baseband firmware has no " + name);
    return static_cast<zip_uint64_t>(index);
  }
  zip_source_t* Keep(ImageBytes bytes) {
    replaced_.push_back(std::make_unique<ImageBytes>(std::move(bytes)));
    return zip_source_buffer(archive_.get(), replaced_.back()->data(), replaced_.back()->size(), 0);
  }

  std::vector<std::unique_ptr<ImageBytes>> replaced_;
  std::unique_ptr<zip_source_t, FreeSource> source_;
  std::unique_ptr<zip_t, Discard> archive_;  // goes first: it borrows the others
};

Result<ImageBytes> Sign(const ImageBytes& image, const std::string& name,
                        std::span<const std::uint8_t> blob, std::uint64_t chip_id) {
  if (IsFls(name)) {
    STATION_TRY(fls, FlsFile::Parse(image));
    STATION_CHECK(fls.ReplaceSignature(blob));
    return fls.Write();
  }
  return chip_id == kMav25 ? SignHashTableSegment(image, blob) : SignImageTail(image, blob);
}

struct Blob {
  std::string element;
  std::span<const std::uint8_t> bytes;
};
std::vector<Blob> BlobsOf(View firmware) {
  std::vector<Blob> blobs;
  firmware.ForEach([&](const std::string& key, View value) {
    const auto bytes = value.Data();
    if (bytes && key.ends_with(kBlobSuffix))
      blobs.push_back({key.substr(0, key.find('-')), *bytes});
  });
  return blobs;
}

Status AddTicket(Package& package, std::span<const std::uint8_t> ticket, bool into_fls) {
  if (!into_fls) return package.Add(kTicketFile, {ticket.begin(), ticket.end()});
  STATION_TRY(image, package.Read(kTicketedFls));
  STATION_TRY(fls, FlsFile::Parse(image));
  fls.InsertTicket(ticket);
  return package.Replace(kTicketedFls, fls.Write());
}

bool IsImage(const std::string& name) {
  return std::ranges::any_of(kImages,
                             [&](std::string_view extension) { return name.ends_with(extension); });
}

}  // namespace

Result<std::vector<std::uint8_t>> BuildBasebandPackage(std::span<const std::uint8_t> bbfw,
                                                       View answer, std::uint64_t chip_id,
                                                       bool has_nonce) {
  const auto ticket = answer["BBTicket"].Data();
  const std::vector<Blob> blobs = BlobsOf(answer["BasebandFirmware"]);
  if (!ticket || blobs.empty())
    return Fail(ErrorCode::kSigningBadAnswer, "the answer signs nothing of the baseband");
  STATION_TRY(package, Package::Open(bbfw));
  std::set<std::string> kept;
  bool fls = false;
  for (const Blob& blob : blobs) {
    STATION_TRY(name, FileOf(blob.element, chip_id));
    STATION_TRY(image, package.Read(name));
    STATION_TRY(signed_image, Sign(image, name, blob.bytes, chip_id));
    STATION_CHECK(package.Replace(name, std::move(signed_image)));
    fls = fls || IsFls(name);
    // The first round of an .fls baseband wants the one boot loader that goes into its memory.
    if (has_nonce || !IsFls(name) || blob.element == "RamPSI") kept.insert(name);
  }
  const std::vector<std::string> names = package.Names();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!kept.contains(names[i]) && !(has_nonce && IsImage(names[i]))) package.Remove(i);
  if (has_nonce) STATION_CHECK(AddTicket(package, *ticket, fls));
  return package.Finish();
}

}  // namespace station::restore
