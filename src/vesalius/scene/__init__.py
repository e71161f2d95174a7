"""Results to meshes, mesh files and pictures. It knows neither what made the results nor who shows them."""
